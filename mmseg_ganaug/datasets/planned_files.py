"""The label maps of a plan as files, for whatever paints them elsewhere."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from mmseg_ganaug.datasets.photo_form import check_colour
from mmseg_ganaug.datasets.sample_prompts import prompt_of
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.png_files import find_png_damage
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose import Recipe
from mmseg_ganaug.recompose.source import PhotoSource
from mmseg_ganaug.synthesis import SampleMaker
from mmseg_ganaug.synthesis.generator import seed_of
from mmseg_ganaug.synthesis.sample_files import decode_label_map
from mmseg_ganaug.synthesis.store import fingerprint_of

#: Of the file ``plan.jsonl``; the version rises when its meaning changes.
FORMAT, VERSION = 'mmseg_ganaug.painting_plan', 1
PLAN, CLASSES, METADATA = 'plan.jsonl', 'classes.json', 'metadata.jsonl'
_REAL_FOLDERS = ('images', 'conditioning')
_NAME = re.compile(r'([0-9a-f]{12}-)?\d{6}\.png')


class PlannedFiles:
    """A folder of label maps that are to be painted, and of what tells about them.

    ``labels/ID.png`` holds class ids, ``colors/ID.png`` the colours of the classes,
    ``instances/ID.png`` ids of instances where the source has them, ``context/ID.png``
    the base's photo with the donors' real pixels, ``mask/ID.png`` 255 where the map
    differs from the base. ``plan.jsonl`` and ``classes.json`` list samples and classes,
    ``colors/metadata.jsonl`` is read by the imagefolder of ``datasets``.

    A sample whose files are all there, and whole, is not made again, unless the photos,
    label maps or colours have changed. Files of other plans that this class wrote there
    are removed.

    Args:
        folder (str | Path): Where they go; missing folders are made.
        source (PhotoSource): What is recombined.
        palette (Sequence[Sequence[int]]): C RGB triples.
        contents (str): Names all that the files depend on beside the IDs, such as a
            digest of the photos.
        template (str): Prompt of a sample; ``{classes}`` stands for its classes.

    Raises:
        InTheWayError: When the folder holds files of others at their places.
    """

    def __init__(
        self,
        folder: Union[str, Path],
        source: PhotoSource,
        palette: Sequence[Sequence[int]],
        contents: str,
        template: str,
    ) -> None:
        self.folder = Path(folder)
        self._source = source
        # Pixels of no class are black.
        self._colours = np.zeros((256, 3), np.uint8)
        self._colours[: len(palette)] = palette
        self._template = template
        self._work = WorkFolder(folder, 'plan to be painted', 'the argument OUT')
        self._contents = fingerprint_of(
            dict(contents=contents, colours=self._colours.tolist(), version=VERSION)
        )

    def write_planned(
        self,
        maker: SampleMaker,
        recipes: Sequence[Recipe],
        ids: Sequence[str],
        chosen: Sequence[int],
        with_context: bool = True,
    ) -> Path:
        """Writes the samples of a plan, with a progress bar.

        Args:
            maker (SampleMaker): Makes their label maps, with photo and context if
                ``with_context``.
            recipes (Sequence[Recipe]): The plan.
            ids (Sequence[str]): ID of each recipe.
            chosen (Sequence[int]): Numbers of those that are written.
            with_context (bool): Whether context and mask are, too.

        Returns:
            Path: Of the file that lists them.
        """
        kinds = ['labels', 'colors']
        kinds += ['instances'] if self._source.instance_map(0) is not None else []
        kinds += ['context', 'mask'] if with_context else []
        self._begin(kinds, [PLAN, CLASSES], {f'{name}.png' for name in ids})
        rows = []
        title = f'Writing label maps to {self.folder}'
        with Progress(title, len(chosen)) as progress, ThreadPoolExecutor() as pool:
            for number in chosen:
                paths = {k: self.folder / k / f'{ids[number]}.png' for k in kinds}
                if not all(map(_is_whole, paths.values())):
                    images = self._images(maker, number, with_context)
                    list(pool.map(_write, paths.values(), map(images.get, kinds)))
                rows.append(self._row(number, recipes, ids, paths))
                progress.update()
        header = dict(
            format=FORMAT,
            version=VERSION,
            samples=len(rows),
            planned=len(ids),
            class_names=list(self._source.class_names),
            ignore_index=self._source.ignore_index,
        )
        captions = [
            dict(
                file_name=f'{row["id"]}.png',
                text=row['prompt'],
                conditioning=f'{row["id"]}.png',
                id=row['id'],
                seed=row['seed'],
            )
            for row in rows
        ]
        write_atomically(self.folder / 'colors' / METADATA, _lines(captions))
        return self._work.write(self.folder / PLAN, _lines([header, *rows]))

    def write_real(self) -> Path:
        """Writes the real pairs, to train a painter on: a folder ``real``.

        Returns:
            Path: Of the file that lists them.
        """
        names = [f'{number:06d}.png' for number in range(len(self._source))]
        places = [f'real/{kind}' for kind in _REAL_FOLDERS]
        self._begin(places, [CLASSES], set(names))
        rows = []
        with Progress('Writing real pairs', len(names)) as progress:
            for number, name in enumerate(names):
                labels = self._source.label_map(number)
                paths = [self.folder / place / name for place in places]
                if not all(map(_is_whole, paths)):
                    colours = self._colours[labels][..., ::-1]
                    photo = self._source.photo(number)
                    check_colour(photo, self._source.name(number))
                    for path, image in zip(paths, (photo, colours)):
                        _write(path, image)
                rows.append(
                    dict(
                        file_name=f'images/{name}',
                        text=self._prompt(labels, self._source.instance_map(number)),
                        conditioning=f'conditioning/{name}',
                        conditioning_image_file_name=f'conditioning/{name}',
                    )
                )
                progress.update()
        return write_atomically(self.folder / 'real' / METADATA, _lines(rows))

    def _begin(self, folders: List[str], files: List[str], wanted: set) -> None:
        """Makes the folders, and removes what is of another plan or content."""
        places = [self.folder / name for name in folders]
        self._work.check_free([self.folder / name for name in files], places)
        for place in places:
            self._work.add_folder(place)
        path = self.folder / CLASSES
        # By folder: a run need not write all of them.
        contents = _contents_in(path)
        for name, place in zip(folders, places):
            same = contents.get(name) == self._contents
            for old in place.iterdir():
                if _NAME.fullmatch(old.name) and not (same and old.name in wanted):
                    old.unlink()
            contents[name] = self._contents
        colours = self._colours.tolist()
        listed = [
            dict(id=number, name=name, color=colours[number])
            for number, name in enumerate(self._source.class_names)
        ]
        content = dict(
            classes=listed,
            ignore_index=self._source.ignore_index,
            ignore_color=[0, 0, 0],
            contents=contents,
        )
        self._work.write(path, json.dumps(content, indent=1, ensure_ascii=False) + '\n')

    def _images(
        self, maker: SampleMaker, number: int, with_context: bool
    ) -> Dict[str, Optional[np.ndarray]]:
        """Makes the images of a sample, BGR where they have colours."""
        (made,) = maker.recompose([number])
        images: Dict[str, Optional[np.ndarray]] = dict(
            labels=made.label_map,
            colors=self._colours[made.label_map][..., ::-1],
            instances=made.instance_map,
        )
        if made.instance_map is not None:
            images['instances'] = made.instance_map.astype(np.uint16)
        if with_context:
            context = maker.context(number, made)
            images['context'] = context.photos[0][..., ::-1]
            images['mask'] = context.changed[0] * np.uint8(255)
        return images

    def _row(
        self,
        number: int,
        recipes: Sequence[Recipe],
        ids: Sequence[str],
        paths: Mapping[str, Path],
    ) -> Dict[str, Any]:
        """Describes a sample by its files."""
        labels = decode_label_map(paths['labels'].read_bytes())
        instances = None
        if 'instances' in paths:
            instances = cv2.imread(str(paths['instances']), cv2.IMREAD_UNCHANGED)
        height, width = labels.shape
        names = self._source.class_names
        counts = np.bincount(labels.ravel(), minlength=256)[: len(names)]
        return dict(
            id=ids[number],
            number=number,
            width=width,
            height=height,
            seed=seed_of(ids[number], recipes[number].seed),
            prompt=self._prompt(labels, instances),
            shares={
                name: round(int(count) / labels.size, 6)
                for name, count in zip(names, counts)
                if count
            },
            files={kind: f'{kind}/{path.name}' for kind, path in paths.items()},
            recipe=json.loads(recipes[number].to_json()),
        )

    def _prompt(self, labels: np.ndarray, instances: Optional[np.ndarray]) -> str:
        return prompt_of(labels, instances, self._source.class_names, self._template)


def read_planned(path: Union[str, Path]) -> List[Tuple[str, Recipe]]:
    """Reads the file that lists exported samples; it is not trusted.

    Args:
        path (str | Path): A ``plan.jsonl``.

    Returns:
        list[tuple[str, Recipe]]: ID and recipe of each sample.

    Raises:
        ValueError: When it is not such a file, or a recipe is not valid; names it.
    """
    try:
        with open(path, encoding='utf-8') as file:
            header, *rows = map(json.loads, file)
        if (header['format'], header['version']) != (FORMAT, VERSION):
            raise ValueError(f'it is not a {FORMAT} of version {VERSION}')
        if len(rows) != header['samples']:
            raise ValueError(f'{len(rows)} of {header["samples"]} samples are there')
        return [
            (str(row['id']), Recipe.from_json(json.dumps(row['recipe'])))
            for row in rows
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} cannot be read ({error}): write it by export-plan'
        ) from error


def _contents_in(path: Path) -> Dict[str, str]:
    """Reads what the files of each folder beside a list of classes were made from."""
    try:
        return dict(json.loads(path.read_text(encoding='utf-8'))['contents'])
    except (OSError, ValueError, KeyError, TypeError):  # missing or damaged
        return {}


def _is_whole(path: Path) -> bool:
    return path.is_file() and find_png_damage(path.read_bytes()) is None


def _write(path: Path, image: np.ndarray) -> None:
    encoded = cv2.imencode(
        '.png', np.ascontiguousarray(image), [cv2.IMWRITE_PNG_COMPRESSION, 1]
    )
    write_atomically(path, encoded[1].tobytes())


def _lines(rows: Sequence[Mapping]) -> str:
    return ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in rows)
