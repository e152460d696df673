"""Writes recombined label maps, to be painted elsewhere: `ganaug export-plan`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('export-plan')
