namespace Lorq.Specs;

/// <summary>The accuracy a compressed model has to keep.</summary>
/// <param name="Metric"><c>cosine</c>, <c>relative-mse</c>, <c>kl</c> or <c>top1</c>.</param>
/// <param name="Limit">The least (cosine, top1) or the most (relative-mse, kl) that is allowed.</param>
public sealed record AccuracyLimit(string Metric, double Limit);
