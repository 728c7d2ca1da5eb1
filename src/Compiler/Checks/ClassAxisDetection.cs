using System.Numerics.Tensors;

namespace Lorq.Checks;

/// <summary>
/// Decides from an output's name and its first rows whether the last axis is a class axis. Rows that a Softmax or a
/// LogSoftmax made are recognised by their sum, whatever the output is called; scores before a softmax cannot be told from
/// other numbers, so the name has to say "logit".
/// </summary>
internal static class ClassAxisDetection
{
    /// <summary>Rows looked at: enough that unrelated numbers do not sum to 1 in all of them by chance.</summary>
    private const int RowsExamined = 64;

    /// <summary>Room for the rounding of thousands of fp16 probabilities.</summary>
    private const double SumTolerance = 1e-2;

    /// <summary>Decides for one output.</summary>
    /// <param name="name">The output's name.</param>
    /// <param name="width">Length of the last axis.</param>
    /// <param name="rows">Rows to look at.</param>
    /// <param name="row">Gives row i.</param>
    public static ClassAxis Detect(string name, int width, int rows, RowReader row)
    {
        if (width < 2 || rows == 0)
        {
            return ClassAxis.None;
        }
        bool probabilities = true;
        bool logProbabilities = true;
        var wide = new double[width];
        for (int i = 0; i < Math.Min(rows, RowsExamined) && (probabilities || logProbabilities); i++)
        {
            ReadOnlySpan<float> values = row(i);
            TensorPrimitives.ConvertTruncating(values, wide.AsSpan());
            probabilities &= TensorPrimitives.Min(values) >= 0 && Math.Abs(TensorPrimitives.Sum<double>(wide) - 1) <= SumTolerance;
            if (logProbabilities)
            {
                // A log-softmax never exceeds 0 (up to rounding), so the exponentials below cannot overflow.
                logProbabilities = TensorPrimitives.Max(values) <= SumTolerance;
                if (logProbabilities)
                {
                    TensorPrimitives.Exp<double>(wide, wide);
                    logProbabilities = Math.Abs(TensorPrimitives.Sum<double>(wide) - 1) <= SumTolerance;
                }
            }
        }
        return probabilities ? ClassAxis.Probabilities
            : logProbabilities || name.Contains("logit", StringComparison.OrdinalIgnoreCase) ? ClassAxis.Logits
            : ClassAxis.None;
    }

    /// <summary>Gives one row of a tensor.</summary>
    public delegate ReadOnlySpan<float> RowReader(int index);
}
