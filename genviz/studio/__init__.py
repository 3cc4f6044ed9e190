"""Everything that knows streamlit: the page frame, the form, the stage's mount, the state in the URL."""
