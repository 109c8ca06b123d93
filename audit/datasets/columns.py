"""The roles that columns play."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator

from audit.evidence import Value


class Columns(BaseModel):
    """Which column is what. A data set's own `columns` are laid over the policy's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = Field(None, description="unique name of a row; the row number where absent")
    text: str | None = Field(None, description="the text that a text model reads")
    label: str | None = Field(None, description="the true class or value")
    positive: Value = Field(None, description="the favourable or target class")
    time: str | None = Field(None, description="when the row came to be")
    group: str | None = Field(None, description="entity key: rows of one entity are one cluster in every interval")
    sensitive: tuple[str, ...] = Field((), description="columns that name protected groups")
    features: tuple[str, ...] | None = Field(None, description="columns that a tabular model reads; all others where absent")
    prediction: str | None = Field(None, description="the predicted class or value, for saved predictions")
    score: str | None = Field(None, description="probability of the positive class, for saved predictions")
    scores: dict[str, str] | tuple[str, ...] | None = Field(
        None,
        description="one probability column per class: a mapping from class to column, or columns named after their classes; or one column"
        " that holds a list in every row, as [column]",
    )
    output: str | None = Field(None, description="what a generating model wrote")
    weight: str | None = Field(None, description="how many rows of the population a row stands for")

    @field_validator("scores", mode="before")
    @classmethod
    def _one_column(cls, scores: object) -> object:
        """`scores: column` is short for `scores: [column]`; read strictly, what this returns must be a tuple."""
        return (scores,) if isinstance(scores, str) else tuple(scores) if isinstance(scores, list) else scores

    def over(self, base: Columns) -> Columns:
        """These roles before a base's: what is set here wins."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})

    def named(self) -> dict[str, str]:
        """Every column that a role names, by `role` or `role.entry`, for telling which is not there."""
        found = {role: column for role in _SINGLE if (column := getattr(self, role)) is not None}
        found |= {f"sensitive.{i}": column for i, column in enumerate(self.sensitive)}
        found |= {f"features.{i}": column for i, column in enumerate(self.features or ())}
        if isinstance(self.scores, dict):
            found |= {f"scores.{name}": column for name, column in self.scores.items()}
        else:
            found |= {f"scores.{i}": column for i, column in enumerate(self.scores or ())}
        return found


_SINGLE = ("id", "text", "label", "time", "group", "prediction", "score", "output", "weight")
