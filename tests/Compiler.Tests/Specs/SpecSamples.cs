using Lorq.Quantization;
using Lorq.Sites;
using Lorq.Specs;

namespace Lorq.Tests.Specs;

internal static class SpecSamples
{
    /// <summary>A spec with every key drawn at random, defaults among them.</summary>
    public static CompressionSpec Draw(Random random)
    {
        bool Coin() => random.Next(2) == 0;
        string Text() => string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => "a*?.,/ä\"\\\n\u0001€"[random.Next(12)]));
        string[] Texts() => [.. Enumerable.Range(0, random.Next(4)).Select(_ => Text())];
        T[] Some<T>(params T[] all) => [.. all.Where(_ => Coin()).DefaultIfEmpty(all[0])];
        return new CompressionSpec
        {
            Budget = random.Next(4) switch
            {
                0 => new SizeBudget.Percent(random.NextDouble() * 100),
                1 => new SizeBudget.Bytes(random.NextInt64(1, 9_000_000_000_000_000)),
                2 => new SizeBudget.BitsPerWeight(random.NextDouble() * 1e-6),
                _ => null,
            },
            MaxLoss = Coin() ? random.NextDouble() : null,
            Target = Coin() ? "ort" : "onnx",
            Threads = random.Next(0, 1025),
            ExternalData = Coin(),
            Exclude = Texts(),
            Calibration = new CalibrationSpec
            {
                Data = Texts(),
                BatchSize = random.Next(1, 64),
                MaxSamples = Coin() ? random.Next(2, 1000) : null,
                HeldOut = 0.01 + 0.89 * random.NextDouble(),
                Mask = Coin() ? Text() : null,
                MemoryCapBytes = random.NextInt64(1 << 20, 1L << 40),
            },
            Menu = new MenuSpec
            {
                Bits = Some(2, 3, 4, 5, 6, 8),
                Blocks = Some(0, 16, 32, 64, 128, 256),
                Methods = Some("auto", "rtn", "mse", "hqq", "gptq"),
                Symmetry = (Symmetry)random.Next(3),
                Scales = (ScaleType)random.Next(3),
                Codebooks = Coin(),
                Ranks = Some(0, 4, 8, 16, 32, 64, 128, 256),
                FactorBits = Some(8, 16),
                Decompositions = Some("auto", "svd", "exact", "lq-lora", "alternation"),
            },
            Accuracy = Coin() ? new AccuracyLimit(Coin() ? "cosine" : "kl", random.NextDouble()) : null,
            Overrides =
            [
                .. Enumerable
                    .Range(0, random.Next(3))
                    .Select(_ =>
                    {
                        var sites = new SiteOverride { Match = Text(), Kind = Coin() ? (SiteKind)random.Next(5) : null };
                        return Coin()
                            ? sites with
                            {
                                Keep = true,
                            }
                            : sites with
                            {
                                // An override has to say something.
                                Bits = Some(2, 4, 8),
                                Blocks = Coin() ? Some(0, 32) : null,
                                Methods = Coin() ? Some("rtn", "gptq") : null,
                                Ranks = Coin() ? Some(0, 16) : null,
                                MinBits = Coin() ? 4 * random.NextDouble() : null,
                                MaxBits = Coin() ? 4 + 60 * random.NextDouble() : null,
                            };
                    }),
            ],
        };
    }
}
