namespace Lorq;

/// <summary>How far a stage of the compilation is.</summary>
/// <param name="Stage">The stage's name; a new name begins a new stage.</param>
/// <param name="Done">Work done, in the stage's own unit.</param>
/// <param name="Total">All of it; 0 when unknown.</param>
/// <param name="Detail">What is being worked on.</param>
public sealed record StageProgress(string Stage, double Done, double Total, string? Detail = null)
{
    /// <summary>The part of the stage that <see cref="Done"/> and <see cref="Total"/> are of; null when they are of the whole.</summary>
    public string? Step { get; init; }

    /// <summary>How often the step was begun in this stage, this time included.</summary>
    public int Round { get; init; } = 1;
}
