"""`make demo`: five stories, step by step over HTTP, against the running services. Brønnøy kommune orders safety
alarms; it prepares a procurement together with neighbours who have the same need; a product is certified, its
certificate is verified without any server, and whoever uses the product is told when it is suspended; a framework
agreement lives from its announcement until its last order is closed and every krone is accounted for; and a need
becomes a mini-competition with sealed bids, an order in the supplier's own system, and data that are open to all."""

from services.demo import agreement, certification, competition, order, procurement
from services.demo.calls import Stopped as Stopped
from services.settings import RunSettings


def walk(run: RunSettings) -> None:
    print("A. An order, from the catalogue to the letter\n")
    order.walk(run)
    print("\nB. A specification of one's own, and neighbours with the same need\n")
    procurement.walk(run)
    print("\nC. A product is certified, and what a buyer can trust\n")
    certification.walk(run)
    print("\nD. A framework agreement, from the announcement to the last krone\n")
    agreement.walk(run)
    print("\nE. A mini-competition, from the need to the order and to open data\n")
    competition.walk(run)
