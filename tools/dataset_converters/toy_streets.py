"""Makes ToyStreets: `ganaug toy-streets`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('toy-streets')
