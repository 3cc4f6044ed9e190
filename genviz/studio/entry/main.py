"""The main script, alone in its folder: streamlit puts that folder first on the import path."""

import streamlit as st

from genviz.studio import shell

st.set_page_config(page_title="genviz", page_icon=str(shell.ICON), layout="wide")
shell.show()
