import type { Migrations } from "./migrations.ts";

export const historyMigrations: Migrations = [];
