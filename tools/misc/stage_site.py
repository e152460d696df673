"""Lays out the pages of the site for MkDocs: `make docs` does it, and builds the site.

    python tools/misc/stage_site.py build/site_source

copies every Markdown file to where it is in the repository, with the files that it
links to, so that a page reads the same here and on the site. Links to folders lead to
their README there, and a link to what the site lacks becomes plain text.
"""

import argparse
import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    *('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'docs/**/*.md'),
    *('configs/**/README.md', 'experiments/**/*.md', 'tools/**/README.md'),
)
STYLE = 'docs/site.css'
_FENCED = re.compile(r'(^ *```.*?^ *```$)', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)')


def stage(out: Path) -> int:
    """Copies pages and what they link to.

    Args:
        out (Path): The folder, which is made again.

    Returns:
        int: Number of pages.
    """
    shutil.rmtree(out, ignore_errors=True)
    pages = sorted({page for pattern in PAGES for page in ROOT.glob(pattern)})
    copy(ROOT / STYLE, out)
    for page in pages:
        # Code between fences shows no links.
        parts = _FENCED.split(page.read_text(encoding='utf-8'))
        for number in range(0, len(parts), 2):
            parts[number] = _LINK.sub(
                lambda link, page=page: linked(link, page, out), parts[number]
            )
        target = out / page.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(''.join(parts), encoding='utf-8')
    return len(pages)


def linked(link: re.Match, page: Path, out: Path) -> str:
    """Returns a link as the site needs it, and copies the file that it leads to."""
    image, text, path, anchor = link.groups(default='')
    target = Path(os.path.normpath(page.parent / path))
    if re.match(r'[a-z]+:', path) or target.suffix == '.md':
        return link[0]
    if target.is_dir():
        if not (target / 'README.md').is_file():
            return text
        path = f'{path.rstrip("/")}/README.md'
    elif ROOT / 'mmseg_ganaug' in target.parents:
        return text
    else:
        copy(target, out)
    return f'{image}[{text}]({path}{anchor})'


def copy(path: Path, out: Path) -> None:
    """Copies a file of the repository to its place in the site."""
    target = out / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)


def main() -> None:
    """Lays out all pages."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='folder of the pages, made again')
    args = parser.parse_args()
    print(f'{stage(args.out)} pages lie in {args.out}')


if __name__ == '__main__':
    main()
