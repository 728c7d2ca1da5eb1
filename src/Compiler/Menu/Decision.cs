using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>The plan that is written, with its weights.</summary>
/// <param name="Solved">Plan and certificate.</param>
/// <param name="Weights">The compressed weights.</param>
/// <param name="Omega">ω per site name.</param>
/// <param name="MeasuredLoss">Loss on held-out samples with the weights in place, before writing; null without data.</param>
/// <param name="Rounds">How often the weights ω were probed.</param>
/// <param name="Uniform">The best uniform plan that fits the same budget; null when none does or without data.</param>
public sealed record Decision(
    SolvedPlan Solved,
    IReadOnlyList<CompressedWeight> Weights,
    IReadOnlyDictionary<string, double> Omega,
    double? MeasuredLoss,
    int Rounds,
    UniformPlan? Uniform
);

/// <summary>A plan with one grid for every site that can have it.</summary>
/// <param name="Name">The grid.</param>
/// <param name="Bytes">Bytes of its file.</param>
/// <param name="Loss">Its measured loss on the held-out samples.</param>
public sealed record UniformPlan(string Name, long Bytes, double Loss);
