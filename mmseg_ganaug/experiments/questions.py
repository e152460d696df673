"""What a matrix asks of its methods, beside what each gains on the baseline."""

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, NoReturn, Sequence, Union

#: Classes below this share of the labelled training pixels are rare.
RARE_SHARE = 0.02
#: Keys of a matrix that ask something.
QUESTIONS = ('against', 'rare', 'ladder', 'photos', 'doubled')


@dataclass(frozen=True)
class Questions:
    """What a matrix asks.

    Attributes:
        against: Methods that the others are compared with, beside the baseline.
        rare: Names of the rare classes, or the share of the labelled training pixels
            (0..1) below which a class is rare.
        ladder: Methods of which each is a step on from the one before.
        photos: Number of real photos (1 or more) of the methods that differ in nothing
            else, by method.
        doubled: Method -> that which is trained twice as long.
    """

    against: Sequence[str] = field(default_factory=list)
    rare: Union[float, Sequence[str]] = RARE_SHARE
    ladder: Sequence[str] = field(default_factory=list)
    photos: Mapping[str, int] = field(default_factory=dict)
    doubled: Mapping[str, str] = field(default_factory=dict)

    def rare_classes(self, class_share: Mapping[str, float]) -> List[str]:
        """Returns the rare classes, in the order of the data set.

        Args:
            class_share (Mapping[str, float]): Class name -> share (0..1) of the
                labelled training pixels.

        Raises:
            ValueError: When one that is named is not among the classes.
        """
        if isinstance(self.rare, (int, float)):
            return [name for name, share in class_share.items() if share < self.rare]
        check_rare(self.rare, list(class_share))
        return [name for name in class_share if name in self.rare]

    def to_json(self) -> Dict[str, Any]:
        """Returns as JSON values what differs from asking nothing."""
        nothing = Questions()
        values = {key: getattr(self, key) for key in QUESTIONS}
        return {k: v for k, v in values.items() if v != getattr(nothing, k)}


def check_rare(rare: Any, class_names: Sequence[str]) -> None:
    """Checks that rare classes that are named exist.

    Raises:
        ValueError: Names those that do not, and those that do.
    """
    unknown = [n for n in rare if n not in class_names] if _is_list(rare) else []
    if unknown:
        raise ValueError(f'rare names {unknown}; the classes are {list(class_names)}')


def read_questions(
    settings: Mapping[str, Any], methods: Sequence[str], place: str
) -> Questions:
    """Reads what a matrix asks.

    Args:
        settings (Mapping[str, Any]): With the attributes of :class:`Questions` as keys,
            each optional. ``doubled`` may be a list of methods, too: each is trained
            twice as long under its name with '-doubled'.
        methods (Sequence[str]): Names of the methods that the file states.
        place (str): Names the file.

    Raises:
        ValueError: When a value is wrong; names the file, the key and the value.
    """

    def refuse(key: str, rule: str) -> NoReturn:
        raise ValueError(f'{key} of {place} is {settings[key]!r}, but {rule}')

    found: Dict[str, Any] = {
        key: settings[key] for key in QUESTIONS if settings.get(key) is not None
    }
    doubled = found.get('doubled', {})
    if _is_list(doubled):
        doubled = {name: f'{name}-doubled' for name in doubled}
        taken = [name for name in doubled.values() if name in methods]
        if taken:
            refuse('doubled', f'there is a method {taken[0]!r} already')
        if any(name not in methods for name in doubled):
            refuse('doubled', f'lists some of {", ".join(methods)}')
        methods = [*methods, *doubled.values()]
    elif not isinstance(doubled, Mapping) or not _all_in(
        [*doubled, *doubled.values()], methods
    ):
        refuse('doubled', 'lists methods, or names for some the method of twice length')
    for key in ('against', 'ladder'):
        value = found.get(key, ())
        if not _is_list(value) or not _all_in(value, methods):
            refuse(key, f'lists some of {", ".join(methods)}')
        if len(set(value)) < len(value) or (key == 'ladder' and len(value) == 1):
            refuse(key, 'names each method once, and a ladder has two or more')
    photos = found.get('photos', {})
    if (
        not isinstance(photos, Mapping)
        or not _all_in(photos, methods)
        or any(type(number) is not int or number < 1 for number in photos.values())
    ):
        refuse('photos', 'gives the number of real photos for some methods')
    if len(set(photos.values())) < len(photos) or len(photos) == 1:
        refuse('photos', 'needs two methods or more, each with another number')
    rare = found.get('rare', RARE_SHARE)
    is_share = type(rare) in (int, float) and 0 <= rare <= 1
    if not is_share and not (_is_list(rare) and all(type(n) is str for n in rare)):
        refuse('rare', 'lists classes, or is a share of the pixels between 0 and 1')
    return Questions(
        against=list(found.get('against', ())),
        rare=rare if is_share else list(rare),
        ladder=list(found.get('ladder', ())),
        photos=dict(photos),
        doubled=dict(doubled),
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _all_in(names: Any, methods: Sequence[str]) -> bool:
    return all(isinstance(name, str) and name in methods for name in names)
