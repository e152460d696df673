"""Shows how label maps are recombined: `ganaug browse-recomposed`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('browse-recomposed')
