"""Trains methods with several seeds each and compares them: `ganaug compare`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('compare')
