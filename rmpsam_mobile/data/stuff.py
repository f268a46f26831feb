"""Words for what cannot be counted, for layouts that do not say it."""

# COCO's 53 panoptic stuff classes (arXiv 1801.00868; the published file panoptic_coco_categories.json)
_COCO = """banner, blanket, bridge, cardboard, counter, curtain, door-stuff, floor-wood, flower, fruit, gravel, house,
light, mirror-stuff, net, pillow, platform, playingfield, railroad, river, road, roof, sand, sea, shelf, snow, stairs,
tent, towel, wall-brick, wall-stone, wall-tile, wall-wood, water-other, window-blind, window-other, tree-merged,
fence-merged, ceiling-merged, sky-other-merged, cabinet-merged, table-merged, floor-other-merged, pavement-merged,
mountain-merged, grass-merged, dirt-merged, paper-merged, food-other-merged, building-other-merged, rock-merged,
wall-other-merged, rug-merged"""

# Streets and fronts (CamVid, LabelMe Facade), where touching ones are one mask or make no sense elsewhere
_STREETS = """building, vegetation, sky, pavement, street, window, door, fence, balcony fence, shop, facade,
non building infrastructure, traffic infrastructure"""

STUFF = frozenset(word.strip() for words in (_COCO, _STREETS) for word in words.split(","))
