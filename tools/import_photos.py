"""Takes photos that were painted elsewhere into the store of a config."""

from mmseg_ganaug.datasets.import_photos import main
from mmseg_ganaug.tool_errors import errors_as_messages

if __name__ == '__main__':
    with errors_as_messages():
        main()
