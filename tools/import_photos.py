"""Takes photos that were painted elsewhere: `ganaug import-photos`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('import-photos')
