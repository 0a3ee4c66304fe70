"""Framework agreements with all that a notice says, ceilings at four levels, and call-offs in versions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a3e5e5050001"
down_revision = "a2b8b2080001"
branch_labels = None
depends_on = None

MONEY = sa.Numeric(precision=14, scale=2)
INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
FINAL = """
CREATE FUNCTION is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'a row of ' || TG_TABLE_NAME || ' is never changed or removed';
END $$;
CREATE TRIGGER entry_is_final BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION is_final();
CREATE TRIGGER entryline_is_final BEFORE UPDATE OR DELETE ON entryline FOR EACH ROW EXECUTE FUNCTION is_final();
CREATE TRIGGER calloffevent_is_final BEFORE UPDATE OR DELETE ON calloffevent
    FOR EACH ROW EXECUTE FUNCTION is_final();
CREATE TRIGGER calloffversion_is_final BEFORE UPDATE OR DELETE ON calloffversion
    FOR EACH ROW EXECUTE FUNCTION is_final();
CREATE TRIGGER frameworkevent_is_final BEFORE UPDATE OR DELETE ON frameworkevent
    FOR EACH ROW EXECUTE FUNCTION is_final();
"""
DEFAULTED = {
    "balance": ("item",),
    "calloff": ("method", "version", "wanted", "posted", "basis", "split_flagged"),
    "calloffline": ("version",),
    "entry": ("back_dated",),
    "frameworkagreement": (
        *("role", "contract_kind", "accession_notice_days", "response_days", "reservation_days", "estimate_told"),
        "revision",
    ),
    "letter": ("order_version",),
    "lot": (
        *("kind", "bands", "conditions", "delivery_obligation", "decline_grounds", "delivery_days_after_end"),
        "split_window_days",
    ),
    "place": ("turns",),
}
"""What the rows that were there get; new ones say it themselves."""
EARLIER = (
    # What stood on the agreement stands on its lots; every lot has one band, its method from the first krone.
    """
    UPDATE lot SET specification = f.specification, specification_version = f.specification_version,
           bands = jsonb_build_array(jsonb_build_object('from_excl_vat', '0.00', 'method', 'ranking'))
      FROM frameworkagreement f WHERE f.id = lot.framework_id
    """,
    """
    UPDATE frameworkagreement SET announced_on = CAST(created_at AT TIME ZONE 'Europe/Oslo' AS date)
     WHERE state NOT IN ('draft', 'cancelled')
    """,
    """
    INSERT INTO frameworkevent (framework_id, sequence, event, state, recorded_at, reason)
    SELECT id, 1, 'register', state, created_at, 'Registered before events were kept' FROM frameworkagreement
    """,
    # Who was named and could order before has acceded.
    """
    INSERT INTO accession (uuid, framework_id, participant_id, number, name, basis, state, binding, decision_reference,
                           starts_on, created_at)
    SELECT gen_random_uuid(), p.framework_id, p.id, p.number, p.name, 'own', 'active', false,
           'Registered before accessions were kept', f.starts_on, f.created_at
      FROM participant p JOIN frameworkagreement f ON f.id = p.framework_id
     WHERE f.state NOT IN ('draft', 'announced', 'standstill', 'cancelled')
    """,
    """
    UPDATE calloff SET participant_id = p.id, wanted = (
           SELECT jsonb_agg(jsonb_build_object('item', l.item, 'quantity', l.quantity) ORDER BY l.position)
             FROM calloffline l WHERE l.call_off_id = calloff.id)
      FROM participant p WHERE p.framework_id = calloff.framework_id AND p.number = calloff.buyer
    """,
    """
    UPDATE entry SET place_id = c.place_id, participant_id = c.participant_id,
           effective_on = CAST(entry.recorded_at AT TIME ZONE 'Europe/Oslo' AS date)
      FROM calloff c WHERE c.id = entry.call_off_id
    """,
    # Until now an entry was the whole of its call-off, so its lines are the order's, with the entry's sign.
    """
    INSERT INTO entryline (entry_id, position, item, product, quantity_reserved, quantity_posted, reserved, posted)
    SELECT e.id, l.position, l.item, l.product, sign(e.reserved) * l.quantity, 0,
           sign(e.reserved) * l.quantity * l.unit_price, 0
      FROM entry e JOIN calloffline l ON l.call_off_id = e.call_off_id
    """,
    """
    INSERT INTO balance (scope, subject_id, item, reserved, posted)
    SELECT 'supplier', p.id, '', coalesce(sum(e.reserved), 0), coalesce(sum(e.posted), 0)
      FROM place p LEFT JOIN entry e ON e.place_id = p.id GROUP BY p.id ORDER BY p.id
    """,
    """
    INSERT INTO balance (scope, subject_id, item, reserved, posted)
    SELECT 'buyer', p.id, '', coalesce(sum(e.reserved), 0), coalesce(sum(e.posted), 0)
      FROM participant p LEFT JOIN entry e ON e.participant_id = p.id GROUP BY p.id ORDER BY p.id
    """,
    """
    UPDATE letter SET recipient = c.supplier, recipient_name = c.supplier_name
      FROM calloff c WHERE c.id = letter.call_off_id
    """,
)


def upgrade() -> None:
    for column in (
        sa.Column("role", sa.String(40), server_default="framework_owner", nullable=False),
        sa.Column("manager", sa.String(200), nullable=True),
        sa.Column("manager_contact", sa.String(200), nullable=True),
        sa.Column("contract_kind", sa.String(40), server_default="goods_services", nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=True),
        sa.Column("announcement", JSONB(), nullable=True),
        sa.Column("accession_from_on", sa.Date(), nullable=True),
        sa.Column("accession_to_on", sa.Date(), nullable=True),
        sa.Column("accession_notice_days", sa.Integer(), server_default="90", nullable=False),
        sa.Column("response_days", sa.Integer(), server_default="5", nullable=False),
        sa.Column("reservation_days", sa.Integer(), server_default="14", nullable=False),
        sa.Column("estimate_told", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
    ):
        op.add_column("frameworkagreement", column)
    op.create_table(
        "frameworkevent",
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("organisation", sa.String(9), nullable=True),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("recorded_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["framework_id"], ["frameworkagreement.id"], name=op.f("fk_frameworkevent_framework_id")
        ),
        sa.PrimaryKeyConstraint("framework_id", "sequence", name=op.f("pk_frameworkevent")),
    )
    for column in (
        sa.Column("kind", sa.String(40), server_default="products", nullable=False),
        sa.Column("bands", JSONB(), server_default="[]", nullable=False),
        sa.Column("conditions", JSONB(), server_default="[]", nullable=False),
        sa.Column("specification", sa.String(80), nullable=True),
        sa.Column("specification_version", sa.String(40), nullable=True),
        sa.Column("delivery_obligation", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("decline_grounds", JSONB(), server_default="[]", nullable=False),
        sa.Column("delivery_days_after_end", sa.Integer(), server_default="180", nullable=False),
        sa.Column("split_window_days", sa.Integer(), server_default="365", nullable=False),
    ):
        op.add_column("lot", column)
    op.create_table(
        "accession",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("framework_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(9), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("basis", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("binding", sa.Boolean(), nullable=False),
        sa.Column("decision_reference", sa.String(200), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["framework_id"], ["frameworkagreement.id"], name=op.f("fk_accession_framework_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_accession_participant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accession")),
        sa.UniqueConstraint("uuid", name=op.f("uq_accession_uuid")),
    )
    op.create_index("ix_accession_framework_id", "accession", ["framework_id"])
    op.create_index(
        "uq_accession_live",
        "accession",
        ["participant_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('rejected', 'withdrawn', 'ended')"),
    )
    op.add_column("place", sa.Column("suspended_until_on", sa.Date(), nullable=True))
    op.add_column("place", sa.Column("turns", sa.Integer(), server_default="0", nullable=False))
    op.add_column("price", sa.Column("component", sa.String(80), nullable=True))
    op.add_column("price", sa.Column("secret_reason", sa.String(2000), nullable=True))
    op.add_column("balance", sa.Column("item", sa.String(80), server_default="", nullable=False))
    op.drop_constraint(op.f("uq_balance_scope_subject_id"), "balance")
    op.create_unique_constraint(op.f("uq_balance_scope_subject_id_item"), "balance", ["scope", "subject_id", "item"])
    for column in (
        sa.Column("place_id", sa.Integer(), nullable=True),
        sa.Column("participant_id", sa.Integer(), nullable=True),
        sa.Column("effective_on", sa.Date(), nullable=True),
        sa.Column("back_dated", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("reason", sa.String(2000), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
    ):
        op.add_column("entry", column)
    op.create_table(
        "entryline",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(80), nullable=False),
        sa.Column("product", sa.String(80), nullable=True),
        sa.Column("component", sa.String(80), nullable=True),
        sa.Column("quantity_reserved", sa.Integer(), nullable=False),
        sa.Column("quantity_posted", sa.Integer(), nullable=False),
        sa.Column("reserved", MONEY, nullable=False),
        sa.Column("posted", MONEY, nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["entry.id"], name=op.f("fk_entryline_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "position", name=op.f("pk_entryline")),
    )
    op.create_table(
        "committedday",
        sa.Column("lot_id", sa.Integer(), nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=False),
        sa.Column("placed_on", sa.Date(), nullable=False),
        sa.Column("value", MONEY, nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_committedday_lot_id")),
        sa.ForeignKeyConstraint(["participant_id"], ["participant.id"], name=op.f("fk_committedday_participant_id")),
        sa.PrimaryKeyConstraint("lot_id", "participant_id", "placed_on", name=op.f("pk_committedday")),
    )
    for column in (
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("wanted", JSONB(), server_default="[]", nullable=False),
        sa.Column("method", sa.String(40), server_default="ranking", nullable=False),
        sa.Column("posted", MONEY, server_default="0", nullable=False),
        sa.Column("participant_id", sa.Integer(), nullable=True),
        sa.Column("basis", sa.String(40), server_default="own", nullable=False),
        sa.Column("hold_until_on", sa.Date(), nullable=True),
        sa.Column("respond_by_on", sa.Date(), nullable=True),
        sa.Column("waiting", sa.String(40), nullable=True),
        sa.Column("waiting_since", INSTANT, nullable=True),
        sa.Column("split_flagged", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("cost_key", JSONB(), nullable=True),
    ):
        op.add_column("calloff", column)
    op.add_column("calloffline", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("calloffline", sa.Column("component", sa.String(80), nullable=True))
    op.drop_constraint(op.f("pk_calloffline"), "calloffline")
    op.create_primary_key(op.f("pk_calloffline"), "calloffline", ["call_off_id", "version", "position"])
    op.create_table(
        "calloffversion",
        sa.Column("call_off_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("supplier", sa.String(9), nullable=False),
        sa.Column("supplier_name", sa.String(200), nullable=False),
        sa.Column("method", sa.String(40), nullable=False),
        sa.Column("net", MONEY, nullable=False),
        sa.Column("vat", MONEY, nullable=False),
        sa.Column("choice", JSONB(), nullable=False),
        sa.Column("ended_by", sa.String(40), nullable=False),
        sa.Column("ended_at", INSTANT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["call_off_id"], ["calloff.id"], name=op.f("fk_calloffversion_call_off_id")),
        sa.PrimaryKeyConstraint("call_off_id", "version", name=op.f("pk_calloffversion")),
    )
    op.add_column("calloffevent", sa.Column("detail", JSONB(), nullable=True))
    op.alter_column("calloffevent", "organisation", nullable=True)
    op.add_column("letter", sa.Column("order_version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("letter", sa.Column("recipient", sa.String(9), nullable=True))
    op.add_column("letter", sa.Column("recipient_name", sa.String(200), nullable=True))
    op.drop_constraint(op.f("pk_letter"), "letter")
    op.create_primary_key(op.f("pk_letter"), "letter", ["call_off_id", "kind", "order_version"])
    for statement in EARLIER:
        op.execute(statement)
    for table, column in (
        ("entry", "place_id"),
        ("entry", "participant_id"),
        ("entry", "effective_on"),
        ("calloff", "participant_id"),
        ("letter", "recipient"),
        ("letter", "recipient_name"),
    ):
        op.alter_column(table, column, nullable=False)
    for table, columns in DEFAULTED.items():
        for column in columns:
            op.alter_column(table, column, server_default=None)
    op.create_foreign_key(op.f("fk_calloff_participant_id"), "calloff", "participant", ["participant_id"], ["id"])
    op.drop_column("lot", "method")
    op.drop_column("frameworkagreement", "specification")
    op.drop_column("frameworkagreement", "specification_version")
    op.get_bind().exec_driver_sql(FINAL)


def downgrade() -> None:
    for table in ("entry", "calloffevent"):
        op.execute(f"DROP TRIGGER {table}_is_final ON {table}")
    op.execute(
        "UPDATE calloffevent SET organisation = c.buyer FROM calloff c "
        "WHERE c.id = calloffevent.call_off_id AND calloffevent.organisation IS NULL"
    )
    op.alter_column("calloffevent", "organisation", nullable=False)
    op.add_column("frameworkagreement", sa.Column("specification", sa.String(80), nullable=True))
    op.add_column("frameworkagreement", sa.Column("specification_version", sa.String(40), nullable=True))
    op.execute(
        "UPDATE frameworkagreement SET specification = l.specification, specification_version = l.specification_version"
        " FROM lot l WHERE l.framework_id = frameworkagreement.id AND l.specification IS NOT NULL"
    )
    op.add_column("lot", sa.Column("method", sa.String(40), server_default="ranking", nullable=False))
    op.alter_column("lot", "method", server_default=None)
    op.drop_constraint(op.f("pk_letter"), "letter")
    op.execute("DELETE FROM letter WHERE order_version > 1")
    op.create_primary_key(op.f("pk_letter"), "letter", ["call_off_id", "kind"])
    op.drop_table("calloffversion")
    op.drop_table("committedday")
    op.drop_constraint(op.f("pk_calloffline"), "calloffline")
    op.execute("DELETE FROM calloffline WHERE version > 1")
    op.create_primary_key(op.f("pk_calloffline"), "calloffline", ["call_off_id", "position"])
    op.drop_table("entryline")
    op.drop_constraint(op.f("uq_balance_scope_subject_id_item"), "balance")
    op.execute("DELETE FROM balance WHERE scope IN ('supplier', 'buyer') OR item <> ''")
    op.create_unique_constraint(op.f("uq_balance_scope_subject_id"), "balance", ["scope", "subject_id"])
    op.drop_constraint(op.f("fk_calloff_participant_id"), "calloff")
    op.drop_table("accession")
    op.drop_table("frameworkevent")
    op.execute("DROP FUNCTION is_final()")
    for table, names in {
        "letter": ("order_version", "recipient", "recipient_name"),
        "calloffevent": ("detail",),
        "calloffline": ("version", "component"),
        "calloff": (
            *("version", "wanted", "method", "posted", "participant_id", "basis", "hold_until_on", "respond_by_on"),
            *("waiting", "waiting_since", "split_flagged", "cost_key"),
        ),
        "entry": ("place_id", "participant_id", "effective_on", "back_dated", "reason", "reverses_id"),
        "balance": ("item",),
        "price": ("component", "secret_reason"),
        "place": ("suspended_until_on", "turns"),
        "lot": (
            *("kind", "bands", "conditions", "specification", "specification_version", "delivery_obligation"),
            *("decline_grounds", "delivery_days_after_end", "split_window_days"),
        ),
        "frameworkagreement": (
            *("role", "manager", "manager_contact", "contract_kind", "announced_on", "announcement"),
            *("accession_from_on", "accession_to_on", "accession_notice_days", "response_days", "reservation_days"),
            *("estimate_told", "revision"),
        ),
    }.items():
        for name in names:
            op.drop_column(table, name)
