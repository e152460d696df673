"""Names and texts of users, made fit for a terminal, a chart, HTML or Markdown.

They are shown as they are. Only what cannot be shown, or would be obeyed, is written
otherwise: a control character by its number, as Python does. Differences are written
with their sign.
"""

import re

# Control characters, halves of surrogate pairs, ends of lines of other kinds, and two
# values that XML forbids.
_INVISIBLE = re.compile(
    '[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]'
)
# Markup of Markdown within a line: underscores at the edge of a word, and asterisks
# beside other characters.
_MARKDOWN = re.compile(
    r'[\\`<>\[\]|~$]|\*(?=\S)|(?<=\S)\*|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)'
)
_LINE_START = re.compile(r'^(#{1,6}(?=\s)|[-+=](?=\s|$|[-=])|\d+(?=[.)]\s))')
_ELLIPSIS = '…'


def visible(text: str) -> str:
    """Escapes control characters and invalid characters as Python does.

    Args:
        text (str): Any text.

    Returns:
        str: Text that UTF-8, XML and HTML take; tabs and ends of lines are as before.
    """
    return _INVISIBLE.sub(lambda found: _escaped(found[0]), text.replace('\r\n', '\n'))


def one_line(text: str) -> str:
    """Does as :func:`visible`, and makes one line of several."""
    return visible(' '.join(re.split('[ \t\n]+', text.replace('\r\n', '\n')))).strip()


def shortened(text: str, most: int) -> str:
    """Leaves out the middle of a text that is too long for its place.

    Args:
        text (str): The text.
        most (int): Largest number of characters.

    Returns:
        str: The text in one line.
    """
    text = one_line(text)
    if len(text) <= most:
        return text
    end = max(0, most - 1) // 3
    return text[: most - 1 - end] + _ELLIPSIS + text[len(text) - end :]


def signed(value: float, digits: int = 1) -> str:
    """Writes a difference with its sign; of nothing, once it is rounded, with a plus.

    Args:
        value (float): The difference.
        digits (int): Behind the point. Defaults to 1.
    """
    # Adding zero turns the -0.0 of a rounded loss into 0.0.
    return f'{round(value, digits) + 0.0:+.{digits}f}'


def markdown(text: str) -> str:
    """Escapes what Markdown, or HTML in it, would obey within a line.

    Args:
        text (str): Any text.

    Returns:
        str: One line, for a cell of a table or a heading.
    """
    return _MARKDOWN.sub(lambda found: '\\' + found[0], one_line(text))


def markdown_paragraph(text: str) -> str:
    """Does as :func:`markdown`, and escapes what makes a list or a heading of a line.

    Args:
        text (str): Any text.

    Returns:
        str: A paragraph of one line.
    """
    return _LINE_START.sub(_escaped_start, markdown(text))


def _escaped(character: str) -> str:
    return character.encode('unicode_escape', 'surrogatepass').decode('ascii')


def _escaped_start(found: 're.Match[str]') -> str:
    # The dot after a number makes it an item of a list.
    return f'{found[0]}\\' if found[0].isdigit() else f'\\{found[0]}'
