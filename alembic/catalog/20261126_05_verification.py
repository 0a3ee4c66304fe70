"""What verification keeps in memory is told of changes."""

from alembic import op

revision = "c1a7a1070005"
down_revision = "c1a7a1070004"
branch_labels = None
depends_on = None

# Whatever a process may remember is named in a notification when it changes; what is not remembered is not: a product
# or an organisation that is new, for example. Several alike in one transaction are one.
FUNCTIONS = """
CREATE FUNCTION tell_verification_of_certificates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM (SELECT 1 FROM changed LIMIT 101) AS few) > 100 THEN
        PERFORM pg_notify('verification', '*');
    ELSE
        PERFORM pg_notify('verification',
                          concat_ws(' ', 'p' || c.product_id, 'h' || c.holder_id, 'c' || c.number))
           FROM changed JOIN certificate c ON c.id = changed.certificate_id;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION tell_verification_of_product() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('verification', 'p' || OLD.id);
    RETURN NULL;
END $$;
CREATE FUNCTION tell_verification() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('verification', TG_ARGV[0]);
    RETURN NULL;
END $$;
"""
TRIGGERS = {
    ("certificate_change", "certificates_added"): "AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed "
    "FOR EACH STATEMENT EXECUTE FUNCTION tell_verification_of_certificates()",
    ("certificate_change", "certificates_changed"): "AFTER UPDATE ON {table} REFERENCING NEW TABLE AS changed "
    "FOR EACH STATEMENT EXECUTE FUNCTION tell_verification_of_certificates()",
    ("product", "product_changed"): "AFTER UPDATE ON {table} FOR EACH ROW "
    "WHEN (OLD.slug <> NEW.slug OR OLD.version <> NEW.version) EXECUTE FUNCTION tell_verification_of_product()",
    (
        "product",
        "product_removed",
    ): "AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION tell_verification_of_product()",
    ("organisation", "organisation_changed"): "AFTER UPDATE ON {table} FOR EACH ROW "
    "WHEN (OLD.organisation_number IS DISTINCT FROM NEW.organisation_number "
    "OR OLD.existed_to_on IS DISTINCT FROM NEW.existed_to_on) EXECUTE FUNCTION tell_verification('o')",
    ("organisation", "organisation_removed"): "AFTER DELETE ON {table} FOR EACH STATEMENT "
    "EXECUTE FUNCTION tell_verification('o')",
    ("succession", "succession_changed"): "AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT "
    "EXECUTE FUNCTION tell_verification('o')",
    ("specification", "specification_added"): "AFTER INSERT ON {table} FOR EACH STATEMENT "
    "EXECUTE FUNCTION tell_verification('s')",
    ("specification", "specification_renamed"): "AFTER UPDATE ON {table} FOR EACH ROW "
    "WHEN (OLD.slug <> NEW.slug) EXECUTE FUNCTION tell_verification('*')",
    ("specification", "specification_removed"): "AFTER DELETE ON {table} FOR EACH STATEMENT "
    "EXECUTE FUNCTION tell_verification('*')",
    ("specificationversion", "version_added"): "AFTER INSERT ON {table} FOR EACH STATEMENT "
    "EXECUTE FUNCTION tell_verification('s')",
    ("specificationversion", "version_renamed"): "AFTER UPDATE ON {table} FOR EACH ROW "
    "WHEN (OLD.label <> NEW.label) EXECUTE FUNCTION tell_verification('*')",
    ("specificationversion_event", "version_told"): "AFTER INSERT ON {table} FOR EACH STATEMENT "
    "EXECUTE FUNCTION tell_verification('s')",
    ("specificationversion_profile", "profile_changed"): "AFTER INSERT OR UPDATE OR DELETE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION tell_verification('s')",
    ("scheme", "scheme_changed"): "AFTER UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION tell_verification('*')",
}


def upgrade() -> None:
    op.execute(FUNCTIONS)
    for (table, name), what in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER verification_{name} {what.format(table=table)}")


def downgrade() -> None:
    for table, name in TRIGGERS:
        op.execute(f"DROP TRIGGER verification_{name} ON {table}")
    for name in ("tell_verification_of_certificates", "tell_verification_of_product", "tell_verification"):
        op.execute(f"DROP FUNCTION {name}()")
