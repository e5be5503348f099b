"""Operations that migrations share."""

from typing import Any

from django.db.migrations.operations import AlterField


class DescribeColumn(AlterField):
    """Changes the description of a column (`db_comment`, `help_text`) and nothing else.

    SQLite has no comments on columns, and Django's own operation would rebuild the whole table there for each column.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if not schema_editor.connection.features.supports_comments:
            return
        field = model._meta.get_field(self.name)
        table, column = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name(field.column)
        comment = schema_editor.quote_value(field.db_comment or "")
        schema_editor.execute(f"COMMENT ON COLUMN {table}.{column} IS {comment}", params=None)
