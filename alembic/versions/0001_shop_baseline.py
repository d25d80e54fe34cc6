"""The shop with uuid4 keys, as the demo creates it.

Revision: 0001_shop_baseline, the first
"""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0001_shop_baseline"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the schema from the file that the demo runs too."""
    op.execute(resources.files("uuidmig.demo").joinpath("shop.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop the schema with everything in it."""
    op.execute("DROP SCHEMA shop CASCADE")
