"""The networks of `keras.applications`, and the files of their ImageNet weights.

A network has two files: one without its classifier, which a detector needs, and one with it. Keras
publishes an MD5 or a SHA256 of most.
Source: the modules of `keras.applications` in Keras 3.15.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from detectune.errors import ConfigError, did_you_mean, three_part

HOST = "https://storage.googleapis.com"
_FOLDER = "tensorflow/keras-applications"


@dataclass(frozen=True)
class KerasFile:
    """A file of weights as Keras publishes it."""

    name: str
    """What Keras calls it on the disk."""
    path: str
    """Where it is below `HOST`."""
    digest: str = ""
    """Its MD5 or SHA256, by its length; empty if Keras says neither."""

    @property
    def url(self) -> str:
        return f"{HOST}/{self.path}"


class KerasNetwork(NamedTuple):
    """The two files of a network."""

    without_top: KerasFile
    with_top: KerasFile


def _network(
    folder: str,
    name: str,
    digests: tuple[str, str] = ("", ""),
    *,
    endings: tuple[str, str] = ("_notop", ""),
    root: str = _FOLDER,
) -> KerasNetwork:
    """A network whose files differ in the ending of their names, which stands for `{}`."""
    files = (
        KerasFile(name.format(ending), f"{root}/{folder}{name.format(ending)}", digest)
        for ending, digest in zip(endings, digests, strict=True)
    )
    return KerasNetwork(*files)


_KERNELS = "_weights_tf_dim_ordering_tf_kernels{}.h5"
_CONVNEXT = {
    "Tiny": (
        "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff",
    ),
    "Small": (
        "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
        "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c",
    ),
    "Base": (
        "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
        "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6",
    ),
    "Large": (
        "96f02b6f0753d4f543261bc9d09bed650f24dd6bc02ddde3066135b63d23a1cd",
        "070c5ed9ed289581e477741d3b34beffa920db8cf590899d6d2c67fba2a198a6",
    ),
    "XLarge": (
        "de3f8a54174130e0cecdc71583354753d557fcf1f4487331558e2a16ba0cfe05",
        "c1f5ccab661354fc3a79a10fa99af82f0fbf10ec65cb894a3ae0815f17a889ee",
    ),
}
_DENSENET = {
    121: ("30ee3e1110167f948a6b9946edeeb738", "9d60b8095a5708f2dcce2bca79d332c7"),
    169: ("b8c4d4c20dd625c148057b9ff1c1176b", "d699b8f76981ab1b30698df4c175e90b"),
    201: ("c13680b51ded0fb44dff2d8f86ac8bb1", "1ceb130c1ea1b78c3bf6114dbdfd8807"),
}
_EFFICIENTNET = (
    ("50bc09e76180e00e4465e1a485ddc09d", "902e53a9f72be733fc0bcb005b3ebbac"),
    ("74c4e6b3e1f6a1eea24c589628592432", "1d254153d4ab51201f1646940f018540"),
    ("111f8e2ac8aa800a7a99e3239f7bfb39", "b15cce36ff4dcbd00b6dd88e7857a6ad"),
    ("af6d107764bb5b1abb91932881670226", "ffd1fdc53d0ce67064dc6a9c7960ede0"),
    ("ebc24e6d6c33eaebbd558eafbeedf1ba", "18c95ad55216b8f92d7e70b3a046e2fc"),
    ("38879255a25d3c92d5e44e04ae6cec6f", "ace28f2a6363774853a83a0b21b9421a"),
    ("9ecce42647a20130c1f39a5d4cb75743", "165f6e37dce68623721b423839de8be5"),
    ("cbcfe4450ddf6f3ad90b1b398090fe4a", "8c03f828fec3ef71311cd463b6759d99"),
)
_EFFICIENTNET_V2 = {
    "B0": ("893217f2bb855e2983157299931e43ff", "21ecbf6da12460d5c40bb2f29ceb2188"),
    "B1": ("0e80663031ca32d657f9caa404b6ec37", "069f0534ff22adf035c89e2d9547a9dc"),
    "B2": ("1dfe2e7a5d45b6632553a8961ea609eb", "424e49f28180edbde1e94797771950a7"),
    "B3": ("f6abf7b5849ac99a89b50dd3fd532856", "1f1fc43bd98a6e4fd8fdfd551e02c7a0"),
    "S": ("af0682fb74e8c54910f2d4393339c070", "e1d88a8495beba45748fedd0cecbe016"),
    "M": ("1b8dc055df72dde80d614482840fe342", "a3bf6aa3276309f4fc6a34aa114c95cd"),
    "L": ("b0b66b5c863aef5b46e8608fe1711615", "27e6d408b53c7ebc868fefa357689935"),
}
_RESNET = {
    "50": ("4d473c1dd8becc155b73f8504c6f6626", "2cb95161c43110f7111970584f804107"),
    "101": ("88cf7a10940856eca736dc7b7e228a21", "f1aeb4b969a6efcfb50fad2f0c20cfc5"),
    "152": ("ee4c566cf9a93f14d82f913c2dc6dd0c", "100835be76be38e30d865e96f2aaae62"),
    "50V2": ("fac2f116257151a9d068a22e544a4917", "3ef43a0b657b3be2300d5770ece849e0"),
    "101V2": ("c0ed64b8031c3730f411d2eb4eea35b5", "6343647c601c52e1368623803854d971"),
    "152V2": ("ed17cf2e0169df9d443503ef94b23b33", "a49b44d1979771252814e80f8ec446f9"),
}
_MOBILENET_V3 = {
    "Large": ("07fb09a5933dd0c8eaafa16978110389", "59e551e166be033d707958cf9e29a6a7"),
    "Small": ("d3e8ec802a04aa4fc771ee12a9a9b836", "8768d4c2e7dee89b9d02b2d03d65d862"),
}
_NASNET = {
    "Large": ("d81d89dc07e6e56530c4e77faddd61b5", "11577c9a518f0070763c2b964a382f17"),
    "Mobile": ("1ed92395b5b598bdda52abe5c0dbfd63", "020fb642bf7360b370c678b08e0adf61"),
}


def _nasnet(size: str) -> KerasNetwork:
    """The only ones whose names on the server and on the disk differ."""
    files = (
        KerasFile(
            f"nasnet_{size.lower()}{ending}.h5",
            f"{_FOLDER}/nasnet/NASNet-{size.lower()}{ending.replace('_', '-')}.h5",
            digest,
        )
        for ending, digest in zip(("_no_top", ""), _NASNET[size], strict=True)
    )
    return KerasNetwork(*files)


NETWORKS: dict[str, KerasNetwork] = {
    **{
        f"ConvNeXt{size}": _network("convnext/", f"convnext_{size.lower()}{{}}.h5", digests)
        for size, digests in _CONVNEXT.items()
    },
    **{
        f"DenseNet{depth}": _network("densenet/", f"densenet{depth}{_KERNELS}", digests)
        for depth, digests in _DENSENET.items()
    },
    **{
        f"EfficientNetB{size}": _network(
            "", f"efficientnetb{size}{{}}.h5", digests, root="keras-applications"
        )
        for size, digests in enumerate(_EFFICIENTNET)
    },
    **{
        f"EfficientNetV2{size}": _network(
            "efficientnet_v2/", f"efficientnetv2-{size.lower()}{{}}.h5", digests
        )
        for size, digests in _EFFICIENTNET_V2.items()
    },
    "InceptionResNetV2": _network(
        "inception_resnet_v2/",
        f"inception_resnet_v2{_KERNELS}",
        ("d19885ff4a710c122648d3b5c3b684e4", "e693bd0210a403b3192acc6073ad2e96"),
    ),
    "InceptionV3": _network(
        "inception_v3/",
        f"inception_v3{_KERNELS}",
        ("bcbd6486424b2319ff4ef7d526e38f63", "9a0d58056eeedaa3f26cb7ebd46da564"),
    ),
    "MobileNet": _network("mobilenet/", "mobilenet_1_0_224_tf{}.h5", endings=("_no_top", "")),
    "MobileNetV2": _network(
        "mobilenet_v2/",
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224{}.h5",
        endings=("_no_top", ""),
    ),
    **{
        f"MobileNetV3{size}": _network(
            "mobilenet_v3/",
            f"weights_mobilenet_v3_{size.lower()}_224_1.0_float{{}}.h5",
            digests,
            endings=("_no_top_v2", ""),
        )
        for size, digests in _MOBILENET_V3.items()
    },
    **{f"NASNet{size}": _nasnet(size) for size in _NASNET},
    **{
        f"ResNet{kind}": _network("resnet/", f"resnet{kind.lower()}{_KERNELS}", digests)
        for kind, digests in _RESNET.items()
    },
    "VGG16": _network(
        "vgg16/",
        f"vgg16{_KERNELS}",
        ("6d6bbae143d832006294945121d1f1fc", "64373286793e3c8b2b4e3219cbf3544b"),
    ),
    "VGG19": _network(
        "vgg19/",
        f"vgg19{_KERNELS}",
        ("253f8cb515780f3b799900260a226db6", "cbe5617147190e668d6c5d5026f83318"),
    ),
    "Xception": _network(
        "xception/",
        f"xception{_KERNELS}",
        ("b0042744bf5b25fce3cb969f33bebb97", "0a58e3b7378bc2990ea3b43d5981f1f6"),
    ),
}
"""Name of the function in `keras.applications` → its files."""


def keras_file(application: str, *, include_top: bool = False) -> KerasFile:
    """The file of the ImageNet weights of a network.

    Args:
        application: the name of its function in `keras.applications`.
        include_top: with its classifier.

    Raises:
        ConfigError: Keras has no such weights.
    """
    if application not in NETWORKS:
        raise ConfigError(
            three_part(
                f'keras.applications: there is no network called "{application}".',
                f"Allowed: {', '.join(NETWORKS)}.",
                f"{did_you_mean(application, NETWORKS)}Take one of these names.",
            )
        )
    network = NETWORKS[application]
    return network.with_top if include_top else network.without_top
