// The conversion by module of the model, at level nodes.
const modulesOf = () => (report.modules[view.root.index] || []).map((one) => ({ ...one, name: one.path, time: one.seconds * 1e9 }));
const hasModules = Object.values(report.modules).some((one) => one.length);
const moduleSheet = () => sheet([
  text("name", "Module", mono), figure("time", "Time", time), figure("operators", "Operators", count), figure("nodes", "Nodes", count),
], modulesOf(), "time", "No operator was recorded with its module: record at the level nodes.");
