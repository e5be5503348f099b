"""One seed and one start of the numbers, so that no test's rows depend on the tests before it."""

from collections.abc import Iterator

import factory
import factory.random

SEED = "terrafusion"


def factories(above: type[factory.Factory] = factory.Factory) -> Iterator[type[factory.Factory]]:
    """Every factory of the tests that makes a model of ours."""
    for found in above.__subclasses__():
        if found.__module__.startswith("tests.") and not found._meta.abstract:
            yield found
        yield from factories(found)


def start_anew() -> None:
    factory.random.reseed_random(SEED)
    for found in factories():
        found.reset_sequence(0, force=True)
