"""Class names: which ones a classifier knows, in which order, and how many of them are things.

The two built-in lists are the datasets' own category names in the order that the official code gives its classes.
"""

from dataclasses import dataclass

from rmpsam_mobile.errors import InputError


@dataclass(frozen=True)
class Vocabulary:
    """Names of the classes, things first.

    Attributes:
        names: one name a class; row c of the class embeddings and column c of the class logits are ``names[c]``.
        num_things: how many of the first names are things (countable objects); the rest is stuff.

    Raises:
        InputError: no name, an empty or repeated one, or a number of things outside 0..number of names.
    """

    names: tuple[str, ...]
    num_things: int

    def __post_init__(self) -> None:
        """Refuse names that could not be told apart or printed."""
        if not self.names:
            raise InputError("a vocabulary of 0 names; at least 1 is needed; give one name a class")
        seen: dict[str, int] = {}
        for index, name in enumerate(self.names):
            if not name.strip() or name != " ".join(name.split()):
                raise InputError(f"class {index} is named {name!r}; a name is words on one line; rename it")
            if name in seen:
                raise InputError(f"{name!r} names class {seen[name]} and class {index}; names are unique; rename one")
            seen[name] = index
        if not 0 <= self.num_things <= len(self.names):
            raise InputError(
                f"{self.num_things} things among {len(self.names)} names; the limit is 0 to {len(self.names)}; "
                "count the names before the first stuff class"
            )

    def __len__(self) -> int:
        """Return the number of classes, the void class not counted."""
        return len(self.names)

    @property
    def things(self) -> tuple[str, ...]:
        """Names of the countable classes."""
        return self.names[: self.num_things]

    @property
    def stuff(self) -> tuple[str, ...]:
        """Names of the uncountable classes."""
        return self.names[self.num_things :]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.replace("\n", " ").split(","))


# COCO 2017 panoptic categories, by rising category id, things and stuff apart.
_COCO_THINGS = _names(
    """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign,
    parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella,
    handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard,
    surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange,
    broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv,
    laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase,
    scissors, teddy bear, hair drier, toothbrush"""
)
_COCO_STUFF = _names(
    """banner, blanket, bridge, cardboard, counter, curtain, door-stuff, floor-wood, flower, fruit, gravel, house,
    light, mirror-stuff, net, pillow, platform, playingfield, railroad, river, road, roof, sand, sea, shelf, snow,
    stairs, tent, towel, wall-brick, wall-stone, wall-tile, wall-wood, water-other, window-blind, window-other,
    tree-merged, fence-merged, ceiling-merged, sky-other-merged, cabinet-merged, table-merged, floor-other-merged,
    pavement-merged, mountain-merged, grass-merged, dirt-merged, paper-merged, food-other-merged,
    building-other-merged, rock-merged, wall-other-merged, rug-merged"""
)
_YOUTUBE_VIS_2019 = _names(
    """person, giant_panda, lizard, parrot, skateboard, sedan, ape, dog, snake, monkey, hand, rabbit, duck, cat, cow,
    fish, train, horse, turtle, bear, motorbike, giraffe, leopard, fox, deer, owl, surfboard, airplane, truck,
    zebra, tiger, elephant, snowboard, boat, shark, mouse, frog, eagle, earless_seal, tennis_racket"""
)

COCO_PANOPTIC = Vocabulary(_COCO_THINGS + _COCO_STUFF, num_things=len(_COCO_THINGS))
YOUTUBE_VIS_2019 = Vocabulary(_YOUTUBE_VIS_2019, num_things=len(_YOUTUBE_VIS_2019))


def vocabulary_for(num_classes: int) -> Vocabulary:
    """Return the vocabulary that ``num_classes`` classes most likely have.

    133 are COCO's panoptic classes and 40 are YouTube-VIS 2019's; any other number gives ``class 0``, ``class 1``, ...,
    all of them things, because nothing is known about them.
    """
    for known in (COCO_PANOPTIC, YOUTUBE_VIS_2019):
        if num_classes == len(known):
            return known
    return Vocabulary(tuple(f"class {index}" for index in range(num_classes)), num_things=num_classes)
