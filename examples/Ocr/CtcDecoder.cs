using System.Numerics.Tensors;
using System.Text;

namespace Lorq.Examples.Ocr;

/// <summary>
/// Greedy decoding of connectionist temporal classification (Graves et al. 2006): the best class of each step, runs of one class
/// joined, blanks dropped. Class 0 is the blank, class k is key k, and the class after the last key is a space.
/// </summary>
public sealed class CtcDecoder
{
    private readonly string[] keys;

    /// <summary>A decoder for an alphabet.</summary>
    /// <param name="keys">The character of class 1, 2, …, without the blank and the space.</param>
    public CtcDecoder(IEnumerable<string> keys) => this.keys = [.. keys];

    /// <summary>Classes a model for this alphabet has.</summary>
    public int Classes => keys.Length + 2;

    /// <summary>The best class of each step.</summary>
    /// <param name="probabilities">Steps × <see cref="Classes"/>, row-major.</param>
    /// <exception cref="ArgumentException">The values are no whole number of steps.</exception>
    public int[] BestClasses(ReadOnlySpan<float> probabilities)
    {
        if (probabilities.Length % Classes != 0)
        {
            throw new ArgumentException(
                $"{probabilities.Length} values are no whole number of steps of {Classes} classes.",
                nameof(probabilities)
            );
        }
        var best = new int[probabilities.Length / Classes];
        for (int step = 0; step < best.Length; step++)
        {
            best[step] = TensorPrimitives.IndexOfMax(probabilities.Slice(step * Classes, Classes));
        }
        return best;
    }

    /// <summary>The text of a sequence of classes.</summary>
    public string Decode(ReadOnlySpan<int> classes)
    {
        var text = new StringBuilder();
        int last = 0;
        foreach (int best in classes)
        {
            if (best != last && best != 0)
            {
                text.Append(best <= keys.Length ? keys[best - 1] : " ");
            }
            last = best;
        }
        return text.ToString();
    }
}
