"""Shows how often each class occurs: `ganaug distribution`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('distribution')
