"""``python -m mmseg_ganaug COMMAND``, the same as ``ganaug COMMAND``."""

from mmseg_ganaug.commands import main

if __name__ == '__main__':
    main()
