"""The page where a person decides, served to the browsers of this machine."""
