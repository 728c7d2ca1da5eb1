namespace Lorq.Tests.Checks;

/// <summary>The definitions, written out with loops in fp64: the reference for the vectorised code.</summary>
internal sealed class NaiveDivergence
{
    public NaiveDivergence(float[] a, float[] b, int width, bool[]? keep, bool probabilities)
    {
        double cosine = 0;
        double error = 0;
        double energy = 0;
        double kl = 0;
        int top = 0;
        for (int row = 0; row < a.Length / width; row++)
        {
            if (keep is not null && !keep[row])
            {
                continue;
            }
            Rows++;
            double dot = 0;
            double aa = 0;
            double bb = 0;
            for (int c = 0; c < width; c++)
            {
                double x = a[row * width + c];
                double y = b[row * width + c];
                dot += x * y;
                aa += x * x;
                bb += y * y;
                error += (x - y) * (x - y);
                MaxAbs = Math.Max(MaxAbs, Math.Abs(x - y));
            }
            energy += aa;
            cosine += dot / Math.Sqrt(aa * bb);
            double[] p = Distribution(a, row, width, probabilities);
            double[] q = Distribution(b, row, width, probabilities);
            kl += Enumerable.Range(0, width).Sum(c => p[c] * Math.Log(p[c] / q[c]));
            top += Array.IndexOf(p, p.Max()) == Array.IndexOf(q, q.Max()) ? 1 : 0;
        }
        Cosine = cosine / Rows;
        RelativeMse = error / energy;
        Kl = kl / Rows;
        Top1 = (double)top / Rows;
    }

    public int Rows { get; }
    public double Cosine { get; }
    public double RelativeMse { get; }
    public double MaxAbs { get; }
    public double Kl { get; }
    public double Top1 { get; }

    private static double[] Distribution(float[] values, int row, int width, bool probabilities)
    {
        double[] raw = [.. values.Skip(row * width).Take(width).Select(v => probabilities ? v : Math.Exp((double)v))];
        double sum = raw.Sum();
        return [.. raw.Select(v => v / sum)];
    }
}
