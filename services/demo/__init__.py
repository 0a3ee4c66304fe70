"""`make demo`: five stories, step by step over HTTP, against the running services. Brønnøy kommune orders safety
alarms; it prepares a procurement together with neighbours who have the same need; a product is certified, its
certificate is verified without any server, and whoever uses the product is told when it is suspended; a framework
agreement lives from its announcement until its last order is closed and every krone is accounted for; and a need
becomes a mini-competition with sealed bids, an order in the supplier's own system, and data that are open to all."""

from services.demo import agreement, certification, competition, order, procurement
from services.demo.calls import Stopped as Stopped
from services.settings import RunSettings

STORIES = {
    "order": ("A. An order, from the catalogue to the letter", order.walk),
    "procurement": ("B. A specification of one's own, and neighbours with the same need", procurement.walk),
    "certification": ("C. A product is certified, and what a buyer can trust", certification.walk),
    "agreement": ("D. A framework agreement, from the announcement to the last krone", agreement.walk),
    "competition": ("E. A mini-competition, from the need to the order and to open data", competition.walk),
}


def walk(run: RunSettings, story: str | None) -> None:
    """Tell one of the stories, or all."""
    for place, name in enumerate([story] if story else STORIES):
        title, told = STORIES[name]
        print("\n" * bool(place) + f"{title}\n")
        told(run)
