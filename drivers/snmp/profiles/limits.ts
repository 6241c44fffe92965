/** Limits for profile files, which strangers write. What is over one is refused by name; everything else of the file counts. */
export const profileLimits = {
  fileBytes: 1_048_576,
  files: 2_000,
  folderDepth: 10,
  extendsDepth: 10,
  oidsPerProfile: 2_000,
  aliases: 100,
  /** Nodes of one file after aliases were followed. */
  nodes: 200_000,
  /** Mappings and lists within one another. */
  nodeDepth: 24,
  enumEntries: 1_024,
  tagsPerEntry: 64,
  nameLength: 128,
  patternLength: 256,
  problemsPerFile: 100,
  problems: 2_000,
  /** Profiles that one device may have. */
  profilesPerDevice: 8,
  /** Probe OIDs over all profiles, asked for in one GET of a device that says nothing useful about itself. */
  probeOids: 64,
} as const;
