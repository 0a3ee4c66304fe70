"""What many public-sector APIs are today: Flask + Flask-SQLAlchemy + psycopg2, entity → dict → jsonify. For comparison.

Run: DATABASE_URL=postgresql+psycopg2://… gunicorn -k gthread --threads 16 -b 127.0.0.1:9101 flask_peer:app
It reads a table `peer_component` (columns below), filled with the same rows and texts as our components. `/c/<slug>` is
one row, `/l?after=<id>` a page of 20.
"""

import os

from flask import Flask, abort, jsonify, request
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 16, "max_overflow": 0}
app.json.sort_keys = False
db = SQLAlchemy(app)


class Component(db.Model):
    __tablename__ = "peer_component"
    id = db.Column(db.Integer, primary_key=True)
    slug = db.Column(db.String, unique=True)
    name = db.Column(db.JSON)
    description = db.Column(db.JSON)
    kind = db.Column(db.String)
    reuse = db.Column(db.String)
    level = db.Column(db.String)
    owner = db.Column(db.String)
    status = db.Column(db.String)
    created_at = db.Column(db.DateTime)
    updated_at = db.Column(db.DateTime)

    def serialize(self):
        row = {c.name: getattr(self, c.name) for c in self.__table__.columns}
        return row | {"created_at": row["created_at"].isoformat(), "updated_at": row["updated_at"].isoformat()}


@app.get("/c/<slug>")
def one(slug):
    found = Component.query.filter(Component.slug == slug).first()
    if found is None:
        abort(404)
    return jsonify(found.serialize())


@app.get("/l")
def page():
    after = request.args.get("after", 0, int)
    rows = Component.query.filter(Component.id > after).order_by(Component.id).limit(20)
    return jsonify([row.serialize() for row in rows])
