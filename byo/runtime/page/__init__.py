"""The page that stands at `/`: the files beside this one are served as they lie."""
