"""A bill: its terms, each a quantity times a price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Term:
    """A line of a bill: how many of what, and the price of one in USD."""

    name: str
    quantity: float
    unit: str
    price: float

    @property
    def cost(self) -> float:
        """Quantity times price, in USD."""
        return self.quantity * self.price

    @property
    def line(self) -> str:
        """The term in words."""
        price = f"{self.price:.10f}".rstrip("0").rstrip(".")
        quantity = f"{self.quantity:,.0f}" if self.quantity >= 1e6 else f"{self.quantity:,.6g}"
        return f"{self.name}: {quantity} {self.unit} at ${price} = ${self.cost:,.4f}"


@dataclass(frozen=True)
class Bill:
    """What a way to run the workflow costs, by terms whose names are unique."""

    name: str
    terms: tuple[Term, ...]

    @property
    def total(self) -> float:
        """The sum of the terms, in USD."""
        return sum(term.cost for term in self.terms)

    @property
    def by_name(self) -> Mapping[str, Term]:
        """The terms by their names."""
        return {term.name: term for term in self.terms}

    @property
    def orchestration(self) -> float:
        """What state transitions and Express requests with their duration cost, in USD."""
        return sum(term.cost for term in self.terms if term.name.startswith(("state", "Express")))

    def to_record(self) -> dict[str, Any]:
        """The bill as JSON has it."""
        terms = [
            {"name": one.name, "quantity": one.quantity, "unit": one.unit, "price": one.price, "cost": one.cost}
            for one in self.terms
        ]
        return {"name": self.name, "total": self.total, "terms": terms}
