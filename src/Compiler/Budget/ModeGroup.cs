namespace Lorq.Budget;

/// <summary>A way to treat the menus of a group together.</summary>
/// <param name="Bytes">Paid once when the group is in this mode, whatever its menus choose.</param>
/// <param name="Menus">The options of every menu of the group in this mode, in the order of <see cref="ModeGroup.Menus"/>.</param>
public sealed record Mode(long Bytes, IReadOnlyList<IReadOnlyList<Option>> Menus);

/// <summary>Menus that are either independent, with the options they have anyway, or together in one of several modes.</summary>
/// <param name="Menus">Their indices; a menu belongs to one group at most.</param>
/// <param name="Modes">The modes beside the independent one.</param>
public sealed record ModeGroup(IReadOnlyList<int> Menus, IReadOnlyList<Mode> Modes);

/// <summary>A selection with the modes it is made in.</summary>
/// <param name="Solution">The options chosen, as indices in the menus of the chosen modes; bytes and bound are over all modes.</param>
/// <param name="Modes">Per group the index of its mode, −1 when its menus are independent.</param>
public sealed record ModeSolution(Solution Solution, IReadOnlyList<int> Modes);
