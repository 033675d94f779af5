"""Which class names mean what COCO's or ImageNet's classes mean, as far as names tell."""

from __future__ import annotations

import re

from detectune.config.coco_classes import coco_label_map

# Other usual names of COCO's classes, in the form that `_plain` gives.
_OTHER_NAMES = {
    "aeroplane": "airplane", "plane": "airplane", "motorbike": "motorcycle", "bike": "bicycle",
    "sofa": "couch", "tvmonitor": "tv", "television": "tv", "diningtable": "dining table",
    "pottedplant": "potted plant", "cellphone": "cell phone", "mobile phone": "cell phone",
    "trafficlight": "traffic light", "pedestrian": "person", "people": "person", "man": "person",
    "woman": "person", "human": "person", "automobile": "car", "lorry": "truck", "ship": "boat",
    "kitty": "cat", "puppy": "dog", "wineglass": "wine glass", "doughnut": "donut",
    "hairdryer": "hair drier", "fridge": "refrigerator",
}  # fmt: skip

# The last words of the names of ImageNet's 1,000 classes (ILSVRC 2012), once each, without those
# that say nothing by themselves. A class is alike if it ends with one of them.
_WORDS = """
tench goldfish shark hammerhead ray stingray cock hen ostrich brambling goldfinch finch junco
bunting robin bulbul jay magpie chickadee ouzel kite eagle vulture owl salamander newt eft axolotl
bullfrog frog loggerhead turtle terrapin gecko iguana chameleon whiptail agama lizard crocodile
alligator triceratops snake constrictor python cobra mamba viper diamondback sidewinder trilobite
harvestman scorpion spider tarantula tick centipede grouse ptarmigan chicken peacock quail
partridge macaw cockatoo lorikeet coucal hornbill hummingbird jacamar toucan drake merganser goose
swan tusker echidna platypus wallaby koala wombat jellyfish anemone coral flatworm nematode conch
snail slug chiton nautilus crab lobster crayfish isopod stork spoonbill flamingo heron egret
bittern crane limpkin gallinule coot bustard turnstone sandpiper redshank dowitcher oystercatcher
pelican penguin albatross whale dugong chihuahua spaniel pekinese papillon terrier ridgeback hound
basset beagle bloodhound coonhound foxhound borzoi wolfhound greyhound whippet elkhound otterhound
saluki deerhound weimaraner bullterrier airedale schnauzer retriever pointer vizsla setter
springer kuvasz schipperke malinois briard kelpie komondor sheepdog collie rottweiler shepherd
doberman pinscher dog boxer mastiff bulldog malamute husky dalmatian basenji pug newfoundland
samoyed pomeranian chow keeshond poodle wolf coyote dingo dhole hyena fox tabby cat cougar lynx
leopard jaguar lion tiger cheetah bear mongoose meerkat beetle ladybug weevil fly bee ant
grasshopper cricket cockroach mantis cicada leafhopper lacewing dragonfly damselfly butterfly
starfish urchin cucumber rabbit hare hamster porcupine squirrel marmot beaver sorrel zebra hog
boar warthog hippopotamus ox buffalo bison ram bighorn ibex hartebeest impala gazelle camel llama
weasel mink polecat ferret otter skunk badger armadillo sloth orangutan gorilla chimpanzee gibbon
siamang guenon baboon macaque langur colobus monkey marmoset capuchin titi indri elephant panda
barracouta eel coho sturgeon gar lionfish puffer abacus abaya gown accordion guitar airliner
airship altar ambulance amphibian clock apiary apron ashcan rifle backpack bakery balloon
ballpoint banjo bannister barbell barbershop barn barometer barrel barrow baseball basketball
bassinet bassoon towel bathtub wagon beacon beaker bearskin bib bicycle bikini binoculars
birdhouse boathouse bobsled bonnet bookcase bookshop bottlecap brassiere breakwater breastplate
broom bucket buckle vest train cab caldron candle cannon canoe opener cardigan carousel carton
wheel cassette castle catamaran cello telephone chainsaw chest chiffonier chime stocking church
cinema cleaver cloak clog shaker mug coffeepot confectionery convertible corkscrew cornet boot hat
cradle helmet crate crib ball crutch cuirass dam desk computer diaper watch table dishrag
dishwasher dock dogsled dome doormat drum drumstick dumbbell oven fan locomotive envelope fireboat
engine flagpole flute chair forklift fountain pen horn pan coat truck gasmask goblet kart golfcart
gondola gong piano greenhouse grille guillotine hairspray hammer hamper handkerchief harmonica
harp harvester hatchet holster honeycomb hoopskirt hourglass ipod lantern jean jeep jersey puzzle
jinrikisha joystick kimono knot ladle lampshade laptop mower library lifeboat lighter limousine
liner lipstick loafer lotion loudspeaker loupe lumbermill compass mailbag mailbox maillot maraca
marimba mask matchstick maypole maze megalith microphone microwave uniform minibus miniskirt
minivan missile mitten modem monastery monitor moped mortar mortarboard mosque net scooter tent
mouse mousetrap van muzzle nail necklace notebook obelisk oboe ocarina odometer organ oscilloscope
overskirt oxcart packet paddle paddlewheel padlock paintbrush pajama palace panpipe parachute
bench patio pedestal sharpener perfume photocopier pickelhaube fence pickup pier pillow pinwheel
pirate pitcher planetarium plow plunger poncho pot drill rug printer prison projectile projector
puck purse quill quilt racer racket radiator radio telescope vehicle reel camera refrigerator
restaurant revolver rotisserie eraser shoe saltshaker sandal sarong sax scabbard scale bus
schooner scoreboard screen screw screwdriver belt shield shoji basket cart shovel curtain ski
snorkel snowmobile snowplow dispenser sock dish sombrero bowl shuttle spatula speedboat web
spindle car spotlight stage bridge stethoscope stole wall stopwatch stove strainer streetcar
stretcher stupa submarine suit sundial sunglasses sunscreen swab sweatshirt trunks swing switch
syringe lamp tank teapot teddy thatch thimble thresher throne roof toaster torch tractor tray
tricycle trimaran tripod arch trolleybus trombone tub turnstile keyboard umbrella unicycle vacuum
vase vault velvet vestment viaduct violin volleyball wallet wardrobe warplane washbasin washer jug
tower whistle wig bottle wok spoon wool wreck yawl yurt menu plate guacamole consomme trifle lolly
loaf bagel pretzel cheeseburger hotdog potato cabbage broccoli cauliflower zucchini squash
artichoke pepper cardoon mushroom strawberry orange lemon fig pineapple banana jackfruit
pomegranate hay carbonara dough potpie pizza burrito espresso cup eggnog alp bubble cliff reef
geyser promontory sandbar seashore valley volcano ballplayer groom diver rapeseed daisy corn acorn
buckeye fungus agaric gyromitra stinkhorn earthstar bolete
"""
_IMAGENET_WORDS = frozenset(_WORDS.split())


def in_coco(name: str) -> bool:
    """Whether `name` is one of COCO's 80 classes, or another usual name of one."""
    return bool(_forms(name) & _COCO)


def like_imagenet(name: str) -> bool:
    """Whether the last word of `name` is the last word of the name of a class of ImageNet."""
    return any(form.split()[-1] in _IMAGENET_WORDS for form in _forms(name) if form)


def _forms(name: str) -> set[str]:
    """`name` in plain letters, in singular if it looks like a plural, and by COCO's word."""
    plain = _plain(name)
    forms = {plain}
    if plain.endswith("es") and len(plain) > 4:
        forms.add(plain[:-2])
    if plain.endswith("s") and not plain.endswith("ss") and len(plain) > 3:
        forms.add(plain[:-1])
    return forms | {_OTHER_NAMES[form] for form in forms if form in _OTHER_NAMES}


def _plain(name: str) -> str:
    """Lower case, with single spaces for whatever is no letter or digit."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[\W_]+", " ", split).strip().lower()


_COCO = frozenset(_plain(item.name) for item in coco_label_map().items)
