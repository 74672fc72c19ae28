"""Pictures of results, for people. Nothing below the command line needs them, and matplotlib is loaded only to draw."""
