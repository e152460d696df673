"""Gives Cityscapes photos the classes of CamVid: `ganaug cityscapes-to-camvid`."""

from mmseg_ganaug.commands import tool

if __name__ == '__main__':
    tool('cityscapes-to-camvid')
