namespace Lorq.Checks;

/// <summary>What the last axis of an output means.</summary>
public enum ClassAxis
{
    /// <summary>Not a distribution over classes.</summary>
    None,

    /// <summary>Scores before a softmax, or log-probabilities (for which the softmax changes nothing).</summary>
    Logits,

    /// <summary>Probabilities: every row is non-negative and sums to 1.</summary>
    Probabilities,
}
