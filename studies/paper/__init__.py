"""The paper checked: its runs trained again, recorded, and compared with what it claims."""
