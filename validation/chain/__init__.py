"""The chain held against truth: from two images to regions, what wrong pairs cost, how often it is wrong and silent."""
