"""Writes the recombined label maps of a config, to be painted elsewhere."""

from mmseg_ganaug.datasets.export_plan import main
from mmseg_ganaug.tool_errors import errors_as_messages

if __name__ == '__main__':
    with errors_as_messages():
        main()
