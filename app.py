"""`streamlit run app.py`: the pages and the routes of genviz under one server."""

import streamlit as st

from genviz.paths import PACKAGE
from genviz.service.routes import ROUTES, lifespan

app = st.App(PACKAGE / "studio" / "entry" / "main.py", routes=ROUTES, lifespan=lifespan)
