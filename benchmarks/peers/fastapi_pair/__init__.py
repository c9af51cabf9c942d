"""FastAPI with SQLAlchemy's ORM behind FastAPI with httpx."""
