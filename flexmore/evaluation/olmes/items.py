"""Items of a task, each made from a row of its data set only when lm-eval reads it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset

Row = Mapping[str, Any]
Item = dict[str, Any]

SHOTS = 6
"""How many rows of a train split are used, the first ones: no task shows more than five, and a document that asks what
one of them asks is shown the next one in its place."""


@dataclass(frozen=True)
class Items(Sequence[Item]):
    """Make a data set's items one by one, since a task asks at most a thousand of what may be a hundred thousand rows.

    Attributes:
        places: what each item is made from: a row's number, or a tuple if a row gives several items.
        make: makes the item of a place.
    """

    places: Sequence[Any]
    make: Callable[[Any], Item]

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: Any) -> Any:
        """Return one item, or those of a slice."""
        if isinstance(index, slice):
            return Items(self.places[index], self.make)
        return self.make(self.places[index])

    def __iter__(self) -> Iterator[Item]:
        return (self.make(place) for place in self.places)

    def select(self, indices: Sequence[int]) -> "Items":
        """Return the items at `indices`, in that order."""
        return Items([self.places[index] for index in indices], self.make)

    @property
    def features(self) -> Item:
        """Return the first item, from whose keys lm-eval reads the names of the fields."""
        return self.make(self.places[0])


def items_of(rows: "Dataset", item: Callable[[Row], Item], places: Sequence[int] | None = None) -> Items:
    """Return an item for each row, or for those at `places`; of a train split only for the first `SHOTS` rows."""
    if places is None:
        places = range(min(len(rows), SHOTS)) if rows.split == "train" else range(len(rows))
    return Items(places, lambda place: item(rows[place]))
