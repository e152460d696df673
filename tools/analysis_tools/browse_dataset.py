"""Shows the samples that training sees: `ganaug browse`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('browse')
