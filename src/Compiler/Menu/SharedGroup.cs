using Lorq.Decomposition;

namespace Lorq.Menu;

/// <summary>Sites that read the same input and may share one left factor.</summary>
/// <param name="Members">Indices of their menus.</param>
/// <param name="Modes">The left factors worth having; empty groups are not kept.</param>
public sealed record SharedGroup(IReadOnlyList<int> Members, IReadOnlyList<SharedMode> Modes);

/// <summary>One left factor for a group.</summary>
/// <param name="Shape">Rank, storage and group.</param>
/// <param name="Bytes">What the left factor takes in the file, paid once.</param>
/// <param name="Candidates">Per member what it can be in this mode: everything in its own menu, and codes with a right factor (these do not count the left one).</param>
public sealed record SharedMode(FactorShape Shape, long Bytes, IReadOnlyList<IReadOnlyList<Candidate>> Candidates);
