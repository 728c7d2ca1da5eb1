using Lorq.Budget;

namespace Lorq.Tests.Budget;

/// <summary>Random menus: small ones of every awkward sort, and large ones of the families known to be hard for knapsacks.</summary>
internal static class Instances
{
    public static string[] Families { get; } = ["quantizer", "random", "correlated", "equal-ratio", "even-bytes", "identical", "coarse"];

    /// <summary>1–6 menus of 1–6 options; integers and ties, duplicates, zero losses, negative bytes, wide ranges.</summary>
    public static Option[][] Small(Random random)
    {
        int sort = random.Next(6);
        var menus = new Option[random.Next(1, 7)][];
        for (int i = 0; i < menus.Length; i++)
        {
            var menu = new Option[random.Next(1, 7)];
            for (int j = 0; j < menu.Length; j++)
            {
                long bytes = sort switch
                {
                    0 => random.Next(0, 6),
                    1 => random.Next(-50, 50),
                    2 => random.NextInt64(0, 1L << 40),
                    3 => 2 * random.Next(1, 50),
                    _ => random.Next(1, 1000),
                };
                double loss = sort switch
                {
                    0 or 1 => random.Next(0, 5),
                    2 => Math.Pow(10, random.NextDouble() * 16 - 12),
                    3 => 100 - bytes,
                    4 => 1000.0 / bytes * (0.5 + random.NextDouble()),
                    _ => random.NextDouble(),
                };
                menu[j] = j > 0 && random.Next(8) == 0 ? menu[j - 1] : new(bytes, loss);
            }
            menus[i] = menu;
        }
        return menus;
    }

    /// <summary>A family of large menus.</summary>
    public static Option[][] Large(string family, int menus, int options, Random random)
    {
        var result = new Option[menus][];
        Option[]? first = null;
        for (int i = 0; i < menus; i++)
        {
            double size = Math.Exp(random.NextDouble() * 6) * 1000;
            double weight = Math.Exp(random.NextDouble() * 8 - 4);
            Option[] menu = new Option[options];
            for (int j = 0; j < options; j++)
            {
                double bits = 2 + 14.0 * random.NextDouble();
                menu[j] = family switch
                {
                    // loss ~ 4^-bits with scatter: what a quantizer's menu looks like.
                    "quantizer" => new((long)(size * bits), weight * Math.Pow(4, -bits) * (0.8 + 0.4 * random.NextDouble())),
                    "random" => new(random.Next(1, 1_000_000), random.NextDouble()),
                    "correlated" => new((long)(size * bits), size * (16 - bits) + 2000 * random.NextDouble()),
                    "equal-ratio" => new((long)(size * bits), 1e7 - (long)(size * bits)),
                    // All even, and Budget() is odd: the relaxation can never be met exactly.
                    "even-bytes" => new(2 * (long)(size * bits), 2e7 - 2 * (long)(size * bits)),
                    "identical" => first?[j] ?? new((long)(1000 * bits) * 64, Math.Pow(4, -bits)),
                    "coarse" => new(4096 * random.Next(1, 60), weight * Math.Pow(2, -random.Next(0, 30))),
                    _ => throw new ArgumentException(family),
                };
            }
            first ??= menu;
            result[i] = menu;
        }
        return result;
    }

    /// <summary>A budget at a share of the way from the smallest to the largest selection; odd.</summary>
    public static long Budget(Option[][] menus, double share)
    {
        long least = menus.Sum(m => m.Min(o => o.Bytes));
        long most = menus.Sum(m => m.Max(o => o.Bytes));
        return (least + (long)((most - least) * share)) | 1;
    }
}
