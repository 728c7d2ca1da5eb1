using Lorq.Refinement;
using Lorq.Rewriting;

namespace Lorq.Menu;

/// <summary>The plan that is written, with its weights.</summary>
/// <param name="Solved">Plan and certificate.</param>
/// <param name="Weights">The compressed weights.</param>
/// <param name="Omega">ω per site name.</param>
/// <param name="MeasuredLoss">Loss with the weights in place: on the samples of the probes, or where a loss limit is sought the written file's on held-out samples; null without data.</param>
/// <param name="Rounds">What was solved and measured, in order; empty without data.</param>
/// <param name="Uniform">The best uniform plan that fits the same budget; null when none does or without data.</param>
public sealed record Decision(
    SolvedPlan Solved,
    IReadOnlyList<CompressedWeight> Weights,
    IReadOnlyDictionary<string, double> Omega,
    double? MeasuredLoss,
    IReadOnlyList<DecisionRound> Rounds,
    UniformPlan? Uniform
)
{
    /// <summary>What measured better than the solver's plan and is written in its place; null for the solver's own. The certificate is of the solver's.</summary>
    public string? Instead { get; init; }

    /// <summary>What became of products that would round their activations; null when there are none.</summary>
    public RoundingFacts? Rounding { get; init; }

    /// <summary>Loss of the plan on the samples of the probes, its weights made one by one: what predictions and uniform plans compare with; null without data.</summary>
    public double? ProbedLoss { get; init; }

    /// <summary>Loss before the weights were fitted to the compressed prefix; null when they were not, or nothing was gained.</summary>
    public double? LossBeforeRefinement { get; init; }
}

/// <summary>A plan on the way to the decision.</summary>
/// <param name="Bytes">Bytes of its file.</param>
/// <param name="Predicted">Its loss as predicted, Σ ω·ℓ.</param>
/// <param name="Measured">Its loss on held-out samples.</param>
public sealed record DecisionRound(long Bytes, double Predicted, double Measured);

/// <summary>A plan with one grid for every site that can have it.</summary>
/// <param name="Name">The grid.</param>
/// <param name="Bytes">Bytes of its file.</param>
/// <param name="Predicted">Its loss as predicted.</param>
/// <param name="Loss">Its measured loss on the held-out samples; null when it was not measured.</param>
public sealed record UniformPlan(string Name, long Bytes, double Predicted, double? Loss);
