namespace Lorq;

/// <summary>How far a stage has come.</summary>
/// <param name="Stage">The stage's name.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all.</param>
/// <param name="Detail">What is being worked on, or null.</param>
public sealed record StageProgress(string Stage, double Done, double Total, string? Detail);
